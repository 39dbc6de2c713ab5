# SPDX-License-Identifier: Apache-2.0
"""A network that is far away: `python -m bench.delay_proxy PORT TO_PORT MILLISECONDS` passes bytes on, each way late.

A connection is there after a whole round trip, as the first bytes show; all on 127.0.0.1. Ends with its input.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys


class _Way:
    """One direction of a connection: what comes in goes out so many seconds later, its end too."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float) -> None:
        self._reader = reader
        self._writer = writer
        self._delay = delay
        self._queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def run(self) -> None:
        """Until the end of the stream, or of the other side."""
        sender = asyncio.create_task(self._send())
        loop = asyncio.get_running_loop()
        try:
            while piece := await self._reader.read(65536):
                self._queue.put_nowait((loop.time() + self._delay, piece))
        except OSError:
            pass
        self._queue.put_nowait((loop.time() + self._delay, b""))
        await sender

    async def _send(self) -> None:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(OSError):
            while True:
                due, piece = await self._queue.get()
                await asyncio.sleep(max(0.0, due - loop.time()))
                if not piece:
                    break
                self._writer.write(piece)
                await self._writer.drain()
        self._writer.close()


async def serve(port: int, to_port: int, delay: float) -> None:
    """Listens until standard input ends."""

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(2 * delay)
        try:
            there, back = await asyncio.open_connection("127.0.0.1", to_port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(_Way(reader, back, delay).run(), _Way(there, writer, delay).run())

    async with await asyncio.start_server(pass_on, "127.0.0.1", port, backlog=1024):
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]) / 1000))
