"""A TCP relay that delays the bytes of each direction and remembers what the client said."""

import asyncio
import contextlib
import threading


class Relay:
    """Listens on `port`, passes on to 127.0.0.1:`target`. A context manager; runs in a thread of its own.

    delay: seconds for each direction. `client` holds one bytearray per connection, `opened` counts them."""

    def __init__(self, target, delay=0.0):
        self.target = target
        self.delay = delay
        self.client = []
        self.writers = set()
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        self.server = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self.serve, "127.0.0.1", 0, backlog=512), self.loop
        ).result()
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_):
        asyncio.run_coroutine_threadsafe(self.stop(), self.loop).result()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    async def stop(self):
        self.server.close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for writer in self.writers:
            writer.transport.abort()

    async def serve(self, client_reader, client_writer):
        said = bytearray()
        self.client.append(said)
        self.writers.add(client_writer)
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self.target)
        self.writers.add(server_writer)
        with contextlib.suppress(asyncio.CancelledError):  # of stop(), which closes both
            await asyncio.gather(
                self.pass_on(client_reader, server_writer, said), self.pass_on(server_reader, client_writer, None)
            )

    async def pass_on(self, reader, writer, said):
        """Each piece leaves `delay` after it came; pieces overtake nothing as every delay is the same."""

        def later(action, *arguments):
            if self.delay:
                self.loop.call_later(self.delay, action, *arguments)
            else:
                action(*arguments)

        while True:
            try:
                piece = await reader.read(65536)
            except OSError:
                later(writer.transport.abort)
                return
            if not piece:
                later(writer.close)
                return
            if said is not None:
                said += piece
            later(writer.write, piece)


def records(said):
    """The TLS records in these bytes as (type, length)."""
    found = []
    while len(said) >= 5:
        length = int.from_bytes(said[3:5], "big")
        found.append((said[0], length))
        said = said[5 + length :]
    return found
