"""Keeps models ready that may be wanted next: a recipe or model change then waits for no compiler.

It looks at the store now and then; when a package or a pointer changed there (the command line, the server, a
person with a memory stick), whatever may be asked for is verified, compiled, self-tested and measured while
the line runs on. So command 5 finds its model ready and only switches, between two parts.
"""

import asyncio

from edge_service.core.outfitter import StoreOutfitter
from edge_service.model_store.store import ModelStore

LOOK_S = 2.0


async def keep_models_ready(outfitter: StoreOutfitter, store: ModelStore) -> None:
    """Look for ever, every two seconds."""
    seen: object = None
    while True:
        stamps = await asyncio.to_thread(store.stamps)
        if stamps != seen:
            seen = stamps
            await outfitter.keep_ready()
        await asyncio.sleep(LOOK_S)
