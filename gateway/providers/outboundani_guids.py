"""The names of Dial Results: each query parameter of outboundANI's API is called by a GUID.

Source: the end of the vendor's AI Dialer Integration page, where one GUID stands for two things.
"""

COMPANY = "0504bd2b-f9eb-4a72-b497-7c8cac8692a0"
CAMPAIGN = "ec4e634b-aa92-4859-9d16-46aece2b780b"
AGENT = "1eb3164f-2157-43d9-9aa8-ed1e20e97fa7"
ANI = "0be372ee-d1bf-42a4-8891-dbc5ee547a7c"
CALL_ID = "ddb195b9-1f3d-4775-a9b7-fcf9d7c46583"
DISPO = "e8ca4a68-d96e-4be8-8ac1-1114fec52cde"
PHONE = "12929e99-3266-4350-b2c8-592119ffd558"
CALL_TIME = "9a1f5867-157f-4620-ae43-b824bc4d81ee"
CALL_TYPE_OR_DURATION = "6be80ae8-72b5-4ac6-8871-c54fdce3ebbf"
"""Documented for the call's type and for its duration."""
ZIP = "82d8779e-ce8f-4e8c-928f-280a45fe1c02"
CREATED = "514167c4-1011-4cc8-bbed-3708e0a4b772"
ATTEMPTS = "1ac05504-659d-4e8c-ad1d-c4d2da3ab1be"
SKILL = "b6fd9680-7f93-44e0-a534-a3b9e717b7c7"
LEAD_SOURCE = "ea9aec00-4170-47c6-a187-b0c0f71b4400"
