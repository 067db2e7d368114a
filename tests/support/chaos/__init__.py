"""A plant in which everything dies at random, and the accounts that must balance all the same.

``run_chaos(folder, Budget(...))`` starts core, gateway, training server and worker as processes (each kept
alive as systemd would), puts a cable that is cut again and again between box and server, lets a PLC trigger
parts, kills one of the four with SIGKILL now and then, and counts at the end.
"""

from tests.support.chaos.accounts import Accounts
from tests.support.chaos.run import Budget, run_chaos

__all__ = ["Accounts", "Budget", "run_chaos"]
