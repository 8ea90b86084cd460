"""Wire formats of settlement, byte for byte those of Jovay's relayer where it has them (docs/settlement.md).

block context ⊂ chunk ⊂ payload ⊂ DA data ⊂ blobs or calldata;  batch header;  L1 message;  statement
"""
