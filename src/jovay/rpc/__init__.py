"""JSON-RPC over HTTP and WebSocket. ``server.NAMESPACES`` and ``DEV_NAMESPACES`` are the prefixes that are served.

A call: ``http`` or ``websocket``, then ``dispatch``, which looks the method up in ``table`` (``exposure`` says whether
it is served), a function in ``methods``, and out by ``encoding``. What methods ask of a node is in ``backend``.

A transaction: ``fast_sends`` and ``bulk`` read whole batches of them in ``dispatch``, ``methods.send`` single ones; all
meet in ``ingest``, which makes few calls of the pool out of many requests.

An event: the node tells ``hub``, which wakes who waits for a receipt and fills ``feed``; that is kept in an
``event_log`` of each kind, once for all readers: ``delivery`` sends it to WebSockets as ``news`` encodes it, and
``filters`` are read when they are polled.
"""
