"""The WebSocket gateway: handshake, connections, delivery with replay, and how it all ends."""
