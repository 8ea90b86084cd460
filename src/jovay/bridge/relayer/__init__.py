"""The relayer: L2 blocks → chunks → batches → L1 → claims (docs/settlement.md).

`blocks` reads them, `sealing` cuts them, `store` remembers, `committer` and `claims` bring L1 to what is remembered,
and remembers what L1 has; `service` runs all that in a loop; `raw_data` serves every batch's data.
"""
