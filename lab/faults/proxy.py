"""A TCP proxy that delays what passes: `python -m lab.faults.proxy PORT TARGET_PORT DELAY_MS`.

The kernel at hand may have no netem, so this is how a link gets a latency.
"""

import asyncio
import contextlib
import sys
from functools import partial

_CHUNK = 65536


async def carry(source: asyncio.StreamReader, target: asyncio.StreamWriter, delay: float) -> None:
    """Pass everything on, each piece late by the delay but not one after the other."""
    loop = asyncio.get_running_loop()
    waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def deliver() -> None:
        while (piece := await waiting.get())[1]:
            await asyncio.sleep(piece[0] - loop.time())
            target.write(piece[1])
            await target.drain()
        await asyncio.sleep(piece[0] - loop.time())
        target.close()

    with contextlib.suppress(ConnectionError):
        async with asyncio.TaskGroup() as group:
            group.create_task(deliver())
            while data := await source.read(_CHUNK):
                waiting.put_nowait((loop.time() + delay, data))
            waiting.put_nowait((loop.time() + delay, b""))


async def serve(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, target: int, delay: float
) -> None:
    """Handle one connection."""
    onward_reader, onward_writer = await asyncio.open_connection("127.0.0.1", target)
    await asyncio.gather(carry(reader, onward_writer, delay), carry(onward_reader, writer, delay))


async def main() -> None:
    """Listen until the process is ended."""
    port, target, delay_ms = map(int, sys.argv[1:])
    handler = partial(serve, target=target, delay=delay_ms / 1000)
    server = await asyncio.start_server(handler, "0.0.0.0", port)  # noqa: S104 - a private network
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
