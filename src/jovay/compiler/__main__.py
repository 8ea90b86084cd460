"""``python -m jovay.compiler``: compile the kernel for this machine, or find it in the cache."""

from __future__ import annotations

import sys
import time


def main() -> int:
    """Exit status: 0, or 1 with the reason on the error stream."""
    from jovay.compiler import kernel
    from jovay.compiler.errors import KernelCompileError
    from jovay.compiler.interruptible import interruptible, on_another_thread
    from jovay.compiler.progress import CompilationProgress

    started = time.monotonic()
    path = kernel.kernel_path()
    cached = path.exists()
    try:
        with interruptible(), CompilationProgress(sys.stderr) as progress:
            on_another_thread(lambda: kernel.compile_kernel(progress))
    except KernelCompileError as error:
        print(f"the kernel does not compile:\n{error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"the kernel cannot be cached: {error}", file=sys.stderr)
        return 1
    seconds, size = time.monotonic() - started, path.stat().st_size
    print(f"kernel {'found' if cached else 'compiled'} in {seconds:.1f} s: {path} ({size / 2**20:.1f} MiB)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
