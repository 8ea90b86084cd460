"""TCB info, QE identity and revocation lists of the simulated platform, in the form of Intel's."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from dcap_qvl import QuoteCollateralV3

from jovay.prover.tee.simulated import sgx_extension as machine
from jovay.prover.tee.simulated.authority import PLATFORM_CA, ROOT, SIGNER, SimulatedAuthority

#: Who made the quoting enclave: no hash of anything.
QE_SIGNER: Final = b"SIMULATED QUOTING ENCLAVE".ljust(32, b"\0")
QE_ATTRIBUTES: Final = b"\x11".ljust(16, b"\0")
QE_PRODUCT: Final = 2
QE_SVN: Final = 4
_EVALUATION: Final = 17


def simulated_collateral(
    authority: SimulatedAuthority, now: int, status: str = "UpToDate", days: int = 30
) -> QuoteCollateralV3:
    """What Intel's service would answer at ``now`` (seconds); all of it expires after some days.

    ``status`` is the TCB status of the simulated machine.
    """
    tcb_info, qe_identity = (_json(one) for one in (_tcb_info(now, status, days), _qe_identity(now, days)))
    signers = authority.pem(authority.signer).decode()
    return QuoteCollateralV3(
        pck_crl_issuer_chain=authority.pem(authority.platform_ca).decode(),
        root_ca_crl=authority.crl(ROOT, now, days),
        pck_crl=authority.crl(PLATFORM_CA, now, days),
        tcb_info_issuer_chain=signers,
        tcb_info=tcb_info,
        tcb_info_signature=authority.sign(SIGNER, tcb_info.encode()),
        qe_identity_issuer_chain=signers,
        qe_identity=qe_identity,
        qe_identity_signature=authority.sign(SIGNER, qe_identity.encode()),
    )


def _json(value: dict[str, Any]) -> str:
    """Without white space, as Intel signs it."""
    return json.dumps(value, separators=(",", ":"))


def _dates(now: int, days: int) -> dict[str, str]:
    issued = datetime.fromtimestamp(now, UTC)
    ends = {"issueDate": issued, "nextUpdate": issued + timedelta(days=days)}
    return {name: f"{date:%Y-%m-%dT%H:%M:%SZ}" for name, date in ends.items()}


def _tcb_info(now: int, status: str, days: int) -> dict[str, Any]:
    module = {"mrsigner": "00" * 48, "attributes": "00" * 8, "attributesMask": "FF" * 8}
    return {
        "id": "TDX",
        "version": 3,
        **_dates(now, days),
        "fmspc": machine.FMSPC.hex().upper(),
        "pceId": machine.PCE_ID.hex(),
        "tcbType": 0,
        "tcbEvaluationDataNumber": _EVALUATION,
        "tdxModule": module,
        "tdxModuleIdentities": [{"id": "TDX_01", **module, "tcbLevels": [_level({"isvsvn": 4}, "UpToDate")]}],
        "tcbLevels": [
            _level(_tcb(machine.SGX_SVN, machine.PCE_SVN, machine.TDX_SVN), status),
            _level(_tcb(bytes(16), 5, bytes(16)), "OutOfDate"),
        ],
    }


def _tcb(sgx: bytes, pce: int, tdx: bytes) -> dict[str, Any]:
    return {
        "sgxtcbcomponents": [{"svn": svn} for svn in sgx],
        "pcesvn": pce,
        "tdxtcbcomponents": [{"svn": svn} for svn in tdx],
    }


def _level(tcb: dict[str, Any], status: str) -> dict[str, Any]:
    level = {"tcb": tcb, "tcbDate": "2025-01-01T00:00:00Z", "tcbStatus": status}
    return level if status == "UpToDate" else {**level, "advisoryIDs": ["SIMULATED-SA-00001"]}


def _qe_identity(now: int, days: int) -> dict[str, Any]:
    return {
        "id": "TD_QE",
        "version": 2,
        **_dates(now, days),
        "tcbEvaluationDataNumber": _EVALUATION,
        "miscselect": "00000000",
        "miscselectMask": "FFFFFFFF",
        "attributes": QE_ATTRIBUTES.hex(),
        "attributesMask": "FBFFFFFFFFFFFFFF0000000000000000",
        "mrsigner": QE_SIGNER.hex().upper(),
        "isvprodid": QE_PRODUCT,
        "tcbLevels": [_level({"isvsvn": QE_SVN}, "UpToDate")],
    }
