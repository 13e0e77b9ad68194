"""Small inventories for property tests: few keys, so that two of them meet."""

from hypothesis import strategies as st

from gateway.model.inventory import Item
from gateway.sync.plan import ident_of
from tests.sync.backend import ani, campaign, dispo

_KEYS = st.sampled_from(["a", "b", "c"])
_NAMED = st.sampled_from(["", "a", "b", "z"])
_CAMPAIGNS = st.builds(campaign, _KEYS, _NAMED, st.sampled_from(["Sales", "Service"]))
_DISPOS = st.builds(dispo, _KEYS, contact=st.booleans())
_ANIS = st.builds(ani, st.integers(1, 3), _NAMED, st.sampled_from(["", "Brand"]))
_ITEMS: st.SearchStrategy[Item] = st.one_of(_CAMPAIGNS, _DISPOS, _ANIS)

INVENTORIES = st.lists(_ITEMS, max_size=8).map(lambda items: {ident_of(item): item for item in items})
"""Items by kind and key."""
