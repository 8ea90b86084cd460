"""The node's native kernel: its entries, its SIMD twins, and a cache that needs no look at the sources' meaning."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jovay.kernel.block import (
    admission,
    aside,
    body,
    changes,
    execute,
    flat_state,
    historical,
    messages,
    predict,
    prestate,
    receipts,
    run,
    schedule,
    state_root,
    system,
    withdrawals,
)
from jovay.kernel.curves import secp256k1
from jovay.kernel.evm import capacities, frames, process, resumable, validity
from jovay.kernel.hashes import keccak
from jovay.kernel.lang import KernelFunction
from jovay.kernel.machine import commit, journal, misses, state_override, view
from jovay.kernel.machine.layout import init_machine, machine_footprint
from jovay.kernel.pool import compaction, entries, leave, place
from jovay.kernel.programs import chunk, state_test, stateless, transition
from jovay.kernel.programs.batch import begin_batch, end_batch, execute_part
from jovay.kernel.state import code, leaves, retention, world
from jovay.kernel.state.layout import init_world
from jovay.kernel.transaction import batch, wire
from jovay.kernel.transaction.decode import decode
from jovay.kernel.trie import joined_proofs, mpt, multiproof, nodes, proofs, zktrie

from . import native
from .cache import (
    COMPILER_DIRECTORY,
    KERNEL_DIRECTORY,
    cache_directory,
    digest,
    source_digest,
    write_atomically,
)
from .checked import CHECKED, PLAIN, is_chosen
from .generate import Progress
from .simd.build import exported_symbols, host_features, ir_modules

#: What Python calls, and all it calls.
ENTRIES: tuple[KernelFunction, ...] = (
    admission.admit_batch,
    aside.begin_aside,
    aside.fetch_missed,
    aside.include_aside,
    aside.is_unchanged,
    aside.mark_used,
    batch.decode_batch,
    batch.signatures_of,
    batch.senders_from_keys,
    body.write_body,
    changes.apply_changes,
    changes.collect_changes,
    changes.load_accounts,
    changes.load_slots,
    capacities.machine_sizes,
    code.intern_code,
    commit.commit_view,
    decode,
    entries.find_hash,
    entries.find_sender,
    retention.count_classes,
    retention.move_world,
    execute.collect_groups,
    execute.commit_runs,
    execute.credit_fees,
    execute.defer_again,
    execute.execute_deferred,
    execute.execute_groups,
    execute.leave_suspended,
    execute.order_block,
    execute.postpone,
    frames.run_detached,
    keccak.keccak256,
    flat_state.latest_accounts,
    flat_state.latest_slots,
    leave.clear,
    leave.give_back,
    leave.retake,
    leave.drop,
    leave.judge_changed,
    leave.put_back,
    leave.settle_included,
    leave.take,
    state_override.override_account,
    journal.restore_before,
    predict.predict_runs,
    predict.resume_run,
    predict.set_aside,
    joined_proofs.join_proofs,
    leaves.derive_keys,
    leaves.key_input,
    mpt.ordered_root,
    multiproof.partial_trie,
    multiproof.prove_many,
    nodes.root,
    messages.defer_messages,
    messages.leave_messages,
    messages.place_message,
    place.place_batch,
    historical.accounts_at,
    historical.slots_at,
    nodes.trie_init,
    process.process_transaction,
    process.resume_transaction,
    proofs.prove,
    receipts.build_receipts,
    run.gas_of_runs,
    run.init_runs,
    run.mark_doubtful,
    schedule.group_runs,
    transition.replay_transactions,
    secp256k1.recover_batch,
    init_machine,
    machine_footprint,
    init_world,
    resumable.resume_within,
    state_test.run_state_test,
    state_test.state_root,
    state_root.update_proven_state,
    state_root.update_state,
    state_root.write_proven_leaves,
    begin_batch,
    execute_part,
    end_batch,
    chunk.execute_chunk,
    stateless.execute_block,
    system.begin_block,
    system.system_call,
    compaction.live_bytes,
    compaction.move_live,
    prestate.begin_touched,
    prestate.collect_listed,
    prestate.collect_missed,
    prestate.collect_runs,
    prestate.collect_slot,
    prestate.list_touched,
    misses.confirm_guesses,
    view.forget_records,
    view.reset_view,
    validity.floor_gas,
    validity.intrinsic_gas,
    view.account,
    world.any_slot,
    world.find_account,
    world.find_slot,
    wire.format_hashes,
    withdrawals.withdraw,
    wire.scan_sends,
    wire.split_frames,
    zktrie.lookup,
)

#: Kernel functions and the SIMD functions that take their place where the CPU has the lanes.
TWINS = {
    "hashes.keccak.keccak256_batch": "keccak256_batch",
    "hashes.poseidon2.compress_batch": "poseidon2_compress_batch",
    "curves.secp256k1.recover_batch": "secp256k1_recover_batch",
    "hashes.sha256.sha256": "sha256_digest",
}


@cache
def fast_key() -> str:
    """Key of the whole library: sources, tools, CPU, which build. It is known without importing Numba."""
    build = CHECKED if is_chosen() else PLAIN
    return digest(source_digest(KERNEL_DIRECTORY, COMPILER_DIRECTORY), native.host_key(), build)


def kernel_path() -> Path:
    """Where the kernel's object code for this machine is cached, or will be."""
    return cache_directory() / "kernel" / f"{fast_key()}.o"


def compile_kernel(progress: Progress | None = None) -> bytes:
    """Object code of the kernel, from the cache or compiled now."""
    path = kernel_path()
    if not path.exists():
        native.host_machine()
        # SIMD twins are not checked: the checked build has their scalar functions.
        features = set() if is_chosen() else host_features()
        twins = {symbol: twin for symbol, twin in TWINS.items() if twin in exported_symbols(features)}
        code = native.compile_object(ENTRIES, twins, ir_modules(features), progress)
        write_atomically(path, code)
    return path.read_bytes()
