"""The embedded platform: auth service, backend, model server and store, with defects to switch on."""
