"""The ZK prover: sumchecks over BN254 about a RISC-V machine that runs the state transition."""
