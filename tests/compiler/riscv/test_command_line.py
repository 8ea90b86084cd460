"""``python -m jovay.native``."""

import struct

import pytest
from Crypto.Hash import keccak

from compiler.riscv import guest  # noqa: F401  (the command imports it by name)
from jovay.compiler.riscv.elf import program_digest
from jovay.native.__main__ import main


def test_build_digest_and_run(tmp_path, capsys):
    program, data, output = tmp_path / "guest.elf", tmp_path / "data", tmp_path / "output"
    assert main(["build", "compiler.riscv.guest:main", "-o", str(program), "--arena", "1"]) == 0
    printed = capsys.readouterr().out
    assert program_digest(program.read_bytes()).hex() in printed
    assert main(["digest", str(program)]) == 0
    assert capsys.readouterr().out == printed
    data.write_bytes(struct.pack("<Q", 0) + b"abc")
    assert main(["run", str(program), "--data", str(data), "-o", str(output)]) == 0
    assert capsys.readouterr().out.startswith("exit at 0x")
    assert output.read_bytes() == keccak.new(digest_bits=256, data=b"abc").digest()
    assert main(["run", str(program), "--data", str(data), "--max-cycles", "10"]) == 1
    assert capsys.readouterr().out.startswith("cycle limit")


@pytest.mark.parametrize("entry", ["no.such:thing", "compiler.riscv.guest:absent", "struct:pack", "struct"])
def test_mistakes_are_told(tmp_path, capsys, entry):
    assert main(["build", entry, "-o", str(tmp_path / "x")]) == 1
    assert capsys.readouterr().err.startswith("error: ")
    (tmp_path / "text").write_text("hello")
    assert main(["run", str(tmp_path / "text")]) == 1
    assert "not a 64-bit little-endian ELF file" in capsys.readouterr().err
