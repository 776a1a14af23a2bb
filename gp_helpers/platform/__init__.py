"""The embedded platform: auth service, backend, model server, store, and their defects."""
