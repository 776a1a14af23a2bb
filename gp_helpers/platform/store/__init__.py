"""The store that the services share: SQLite in WAL mode, or PostgreSQL by its URL."""

from gp_helpers.platform.store.accounts import Account, Accounts
from gp_helpers.platform.store.billing import Billing, BillingItem
from gp_helpers.platform.store.conversations import Conversations, Message, Thread
from gp_helpers.platform.store.engine import Store, create_store, drop_store
from gp_helpers.platform.store.ledger import Ledger
from gp_helpers.platform.store.outbox import Outbox
from gp_helpers.platform.store.presence import Presence
from gp_helpers.platform.store.runs import Claim, Runs
from gp_helpers.platform.store.sessions import Sessions

__all__ = [
    "Account",
    "Accounts",
    "Billing",
    "BillingItem",
    "Claim",
    "Conversations",
    "Ledger",
    "Message",
    "Outbox",
    "Presence",
    "Runs",
    "Sessions",
    "Store",
    "Thread",
    "create_store",
    "drop_store",
]
