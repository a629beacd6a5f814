"""Who computes what, across processes: leases in the catalog.

Law: a claim is a lease; whoever finds it run out may take it over, and an owner that was taken
over publishes nothing: the epoch of a claim is given out once and never again.

Clocks are those of one host; a catalog shared by several must compare by its server's clock.
"""

from __future__ import annotations

import sqlite3
import time

from dumbo.errors import ClaimLostError
from dumbo.identity.cid import CID
from dumbo.storage.base import Claim
from dumbo.storage.database import Database

_TAKE = """
    INSERT INTO claim VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT(cid) DO UPDATE SET
        owner = excluded.owner, epoch = excluded.epoch, until = excluded.until,
        heartbeat = excluded.heartbeat
    WHERE until < ?5
"""
_OWN = "WHERE cid = ? AND owner = ? AND epoch = ?"


class Claiming:
    """The catalog's face towards those who are about to compute."""

    _database: Database

    def claim(self, cid: CID, owner: str, lease: float) -> Claim | None:
        """Claim a computation.

        Parameters
        ----------
        cid : CID
        owner : str
            Who: host, process and thread, say. The same owner does not get a claim twice.
        lease : float
            Seconds after which others may take it over, unless it is renewed.

        Returns
        -------
        Claim or None
            None while somebody's claim lasts.
        """
        now = time.time()
        with self._database.write() as connection:
            (epoch,) = connection.execute("SELECT epoch + 1 FROM head").fetchone()
            row = (str(cid), owner, epoch, now + lease, now)
            if not connection.execute(_TAKE, row).rowcount:
                return None
            connection.execute("UPDATE head SET epoch = ?", (epoch,))
        return Claim(cid, owner, epoch, now + lease)

    def renew(self, claim: Claim, lease: float) -> Claim | None:
        """Make a claim last `lease` seconds from now; None if it was taken over."""
        now = time.time()
        with self._database.write() as connection:
            done = connection.execute(
                f"UPDATE claim SET until = ?, heartbeat = ? {_OWN}",  # noqa: S608 - constants
                (now + lease, now, *_key(claim)),
            )
            if not done.rowcount:
                return None
        return Claim(claim.cid, claim.owner, claim.epoch, now + lease)

    def release(self, claim: Claim) -> bool:
        """Give a claim up; False if it was taken over."""
        with self._database.write() as connection:
            done = connection.execute(f"DELETE FROM claim {_OWN}", _key(claim))  # noqa: S608 - constants
            return done.rowcount > 0

    def claimant(self, cid: CID) -> Claim | None:
        """Return the claim on a computation, run out or not; None if there is none."""
        rows = self._database.read(
            "SELECT owner, epoch, until FROM claim WHERE cid = ?", (str(cid),)
        )
        return Claim(cid, str(rows[0][0]), int(rows[0][1]), float(rows[0][2])) if rows else None


def spend(connection: sqlite3.Connection, claim: Claim) -> None:
    """Release a claim inside the transaction that publishes what it was for."""
    if not connection.execute(f"DELETE FROM claim {_OWN}", _key(claim)).rowcount:  # noqa: S608 - constants
        raise ClaimLostError(
            f"add({claim.cid.short}): the claim of {claim.owner} was taken over or released; what "
            "was computed under it is not published: look the result up, or claim it again"
        )


def _key(claim: Claim) -> tuple[str, str, int]:
    return str(claim.cid), claim.owner, claim.epoch
