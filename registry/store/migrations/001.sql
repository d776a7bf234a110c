-- One text for both databases; {{serial}} and {{bytes}} are the only words in which they differ.
-- Times are Unix seconds. Secrets are SHA-256 hashes, but for the keys of the list. Statuses are the
-- four bits of the status list.

-- What is published, one row: the manifest, which gets newer times whenever it is signed.
CREATE TABLE registry (
    one     INTEGER PRIMARY KEY CHECK (one = 1),
    version BIGINT NOT NULL,
    epoch   BIGINT NOT NULL,
    list    TEXT NOT NULL,
    rules   {{bytes}} NOT NULL, -- hash of the published document
    keys    {{bytes}} NOT NULL, -- hash of the published set
    generation BIGINT NOT NULL, -- of the list key with which all blobs of the list are sealed
    issued  BIGINT NOT NULL,    -- when the version was made, by the clock of who made it
    wanted  BIGINT NOT NULL,    -- the version of the rules in force, published or not yet
    colour_rule {{bytes}}, -- hash of the one that all outcomes follow, but for those who are due; NULL: not
                        -- everybody is due yet who has to be (again.go)
    backup  BIGINT -- after a restore, the time of the backup; NULL: all sources have sent again since
);

-- Which of the registries over this database publishes, one row: lease.go. The beat has a table of its
-- own, so that it and a transaction that publishes do not wait for each other.
CREATE TABLE lease (
    one    INTEGER PRIMARY KEY CHECK (one = 1),
    term   BIGINT NOT NULL, -- grows with each holder
    holder TEXT NOT NULL,   -- host, process and a random number; empty: it was given back
    looked BIGINT,          -- as of when a holder has vouched for what is published; NULL: never yet
    worked BIGINT           -- when one last got on with a change for very many; NULL: never yet
);
CREATE TABLE beats (
    one  INTEGER PRIMARY KEY CHECK (one = 1),
    term BIGINT NOT NULL,
    n    BIGINT NOT NULL
);

-- What the keys look like that all registries over this database have: hashes of the public ones.
CREATE TABLE prints (
    name  TEXT PRIMARY KEY, -- of the file
    print {{bytes}} NOT NULL
);

-- Limits that all registries over this database share.
CREATE TABLE limits (
    name   TEXT PRIMARY KEY,
    unused BIGINT NOT NULL -- when nothing of it will be used, in milliseconds
);

-- The versions of the rules of entry. Their documents are blobs. Nothing deletes a version.
CREATE TABLE rules (
    id        {{serial}},
    document  {{bytes}} NOT NULL, -- its hash
    base      BIGINT NOT NULL,    -- the version that it changes; 0: it is the first one
    person    TEXT NOT NULL,      -- who stored it; empty: it came with the program
    at        BIGINT NOT NULL,
    why       TEXT NOT NULL,
    publisher TEXT,               -- who put it in force; NULL: nobody, it waits or was overtaken
    published BIGINT              -- when
);

-- After a restore with a newer list at hand: what that list said. The stricter status counts.
CREATE TABLE held (
    idx    BIGINT PRIMARY KEY,
    status INTEGER NOT NULL
);

-- The epochs before the current one.
CREATE TABLE epochs (
    epoch   BIGINT PRIMARY KEY,
    version BIGINT NOT NULL -- the last one that was not lost
);

-- The keys under which the list is sealed for doors: the one in use, and the next one while a turnover
-- is announced.
CREATE TABLE list_keys (
    generation BIGINT PRIMARY KEY, -- when it was made
    key        {{bytes}} NOT NULL,
    since      BIGINT NOT NULL,    -- when it is used
    known      BIGINT -- since when a door has it that must not read the list any more; NULL: no such door
);

-- Versions are the list's.
CREATE TABLE sections (
    id      BIGINT PRIMARY KEY,
    version BIGINT NOT NULL, -- whose part the blob is
    changed BIGINT NOT NULL, -- that changed it last
    size    BIGINT NOT NULL, -- of the blob, in steps of statuslist.SizeStep; so it is below
    blob    {{bytes}} NOT NULL
);

CREATE TABLE deltas (
    level        INTEGER NOT NULL, -- as in api.Manifest
    from_version BIGINT NOT NULL,
    to_version   BIGINT NOT NULL,
    size         BIGINT NOT NULL,
    blob         {{bytes}} NOT NULL,
    PRIMARY KEY (level, to_version)
);

-- retired stands before data, so that SQLite finds it without walking through the pages of the
-- data.
CREATE TABLE blobs (
    hash    {{bytes}} PRIMARY KEY,
    retired BIGINT, -- since when no manifest names it; NULL: the current one does
    data    {{bytes}} NOT NULL
);
CREATE INDEX blobs_retired ON blobs (retired);

CREATE TABLE regions (
    code TEXT PRIMARY KEY, -- ISO 3166-2, like KZ-75
    kk   TEXT NOT NULL,
    ru   TEXT NOT NULL,
    en   TEXT NOT NULL
);

CREATE TABLE venues (
    id       {{serial}},
    bin      TEXT NOT NULL, -- of the organisation, which may have several venues
    name     TEXT NOT NULL,
    kind     TEXT NOT NULL, -- kiosk.Venue
    region   TEXT NOT NULL REFERENCES regions (code),
    zone     TEXT NOT NULL, -- kiosk.Zone
    address  TEXT NOT NULL,
    capacity BIGINT,        -- people; NULL: not limited
    phone     TEXT NOT NULL, -- E.164; may be empty
    entrances TEXT NOT NULL, -- their names, one a line; empty: it has one without a name
    exits     TEXT NOT NULL, -- so, too; empty: nobody counts who leaves
    UNIQUE (bin, name)
);
CREATE INDEX venues_region ON venues (region);

CREATE TABLE citizens (
    id      {{serial}},
    iin     TEXT NOT NULL UNIQUE,
    name    TEXT,                       -- as the population register has it; NULL: not known; so the next two
    phone   TEXT,                       -- E.164
    region  TEXT REFERENCES regions (code),
    status  INTEGER NOT NULL DEFAULT 0, -- as last derived
    due     BIGINT,                     -- when it has to be derived again; 0: at once, there is news; NULL: never by
                                        -- itself
    touched BIGINT NOT NULL DEFAULT 0,  -- grows with each record and credential
    other   INTEGER,                    -- what a disagreeing record would give; NULL: none disagrees
    since   BIGINT                      -- of the disagreement
);
CREATE INDEX citizens_due ON citizens (due, id) WHERE due IS NOT NULL;
CREATE INDEX citizens_since ON citizens (since) WHERE since IS NOT NULL;

-- How many people have which status: the rows of all slots together (tallies.go).
CREATE TABLE people (
    region TEXT NOT NULL, -- empty: not known
    status INTEGER NOT NULL,
    slot   INTEGER NOT NULL,
    n      BIGINT NOT NULL,
    PRIMARY KEY (region, status, slot)
);

CREATE TABLE credentials (
    id      {{serial}},
    citizen BIGINT NOT NULL REFERENCES citizens (id),
    idx     BIGINT NOT NULL UNIQUE, -- in the status list
    phone   {{bytes}} UNIQUE,       -- the phone's public key, which no code shows; NULL: printed
    epoch   BIGINT, -- epoch and version of the list that first held it; NULL: none does yet, and nobody
    version BIGINT, -- has this pass
    added   BIGINT NOT NULL DEFAULT 0, -- when it was issued
    name    TEXT NOT NULL DEFAULT '',  -- what the phone says of itself
    last_day BIGINT,                   -- the last UTC day it may have a code for, since 1970; NULL: it never asked
    used    BIGINT,                    -- the day of its last top-up, its first second; NULL: it never asked
    topups  INTEGER NOT NULL DEFAULT 0, -- on that day
    suspended BIGINT,               -- since when; NULL: not suspended
    revoked BIGINT                  -- since when; NULL: good
);
CREATE INDEX credentials_citizen ON credentials (citizen);
CREATE INDEX credentials_suspended ON credentials (suspended) WHERE suspended IS NOT NULL;
CREATE INDEX credentials_revoked ON credentials (revoked) WHERE revoked IS NOT NULL;

CREATE TABLE codes (
    hash       {{bytes}} PRIMARY KEY,
    citizen    BIGINT NOT NULL UNIQUE REFERENCES citizens (id), -- a new code replaces the old one
    expires    BIGINT NOT NULL,
    credential BIGINT REFERENCES credentials (id) -- what it was exchanged for; NULL: still unused
);

-- The ratchets from which the index keys of days and the paper keys of months come (package ratchet).
-- Moving on overwrites the state, so the keys of earlier steps are gone.
CREATE TABLE ratchets (
    kind  TEXT PRIMARY KEY,   -- 'day' or 'month'
    at    BIGINT NOT NULL,    -- the step of the state, since 1970
    state {{bytes}} NOT NULL,
    ahead BIGINT              -- since when the clock says that several steps have passed; NULL: it does not
);

-- Requests to sign in with an IIN, kept for a day. One that no message was sent for has a row, too, so
-- that nobody learns from a try who is registered.
CREATE TABLE signins (
    session    {{bytes}} PRIMARY KEY, -- hash of the token that the browser holds
    citizen    BIGINT REFERENCES citizens (id), -- NULL, like the next two: no message was sent
    phone      TEXT,
    asker      {{bytes}} NOT NULL, -- where it came from, keyed by the running registry
    code       {{bytes}},       -- keyed with the token: six digits are soon found from a plain hash
    short      INTEGER NOT NULL, -- 1: the code has six digits
    asked      BIGINT NOT NULL,
    tries      INTEGER NOT NULL DEFAULT 0,
    credential BIGINT REFERENCES credentials (id) -- what it was exchanged for; NULL: still unused
);
CREATE INDEX signins_citizen ON signins (citizen, asked) WHERE citizen IS NOT NULL;
CREATE INDEX signins_phone ON signins (phone, asked) WHERE phone IS NOT NULL;
CREATE INDEX signins_asked ON signins (asked);

-- Wrong codes of people, in a year.
CREATE TABLE wrong_codes (
    citizen BIGINT PRIMARY KEY REFERENCES citizens (id),
    since   BIGINT NOT NULL,
    n       BIGINT NOT NULL
);

CREATE TABLE sources (
    id      {{serial}},
    name    TEXT NOT NULL UNIQUE,
    kind    TEXT NOT NULL,
    region  TEXT REFERENCES regions (code), -- NULL: the whole country
    key     {{bytes}} NOT NULL UNIQUE,
    hourly  BIGINT NOT NULL, -- positive results and contacts that count at once, in an hour
    suspended BIGINT,        -- since when; NULL: not suspended
    revoked BIGINT,          -- since when the key is; NULL: not revoked
    records BIGINT NOT NULL DEFAULT 0,
    last    BIGINT -- when the last record came in; NULL: none yet
);

-- Who works with the registry, beside the holder of admin.key.
CREATE TABLE accounts (
    id      {{serial}},
    name    TEXT NOT NULL,
    role    TEXT NOT NULL,                  -- 'national', 'regional', 'owner', 'staff'
    region  TEXT REFERENCES regions (code), -- of 'regional'; of 'owner': only the venues there, NULL: all
    bin     TEXT,                           -- of 'owner': whose venues
    venue   BIGINT REFERENCES venues (id),  -- of 'staff'
    key     {{bytes}} NOT NULL UNIQUE,
    created BIGINT NOT NULL,
    expires BIGINT, -- NULL: never
    revoked BIGINT  -- since when; NULL: not revoked
);
CREATE UNIQUE INDEX accounts_name ON accounts (name, COALESCE(venue, 0)) WHERE revoked IS NULL;

-- What sources said. A row is a fact and never changes, but for the last three columns, which follow
-- from the events. A correction is another row.
CREATE TABLE records (
    id         {{serial}},
    source     BIGINT NOT NULL REFERENCES sources (id),
    sample     TEXT NOT NULL, -- the source's own number; without one, made of what the record says
    citizen    BIGINT NOT NULL REFERENCES citizens (id),
    kind       TEXT NOT NULL,
    at         BIGINT NOT NULL,
    came       BIGINT NOT NULL,
    laboratory TEXT NOT NULL, -- whose sample it is, where the PCR portal knows; else empty
    index_case TEXT NOT NULL, -- of a contact, where the Covid-19 centre knows; else empty
    replaces   BIGINT UNIQUE REFERENCES records (id),
    state      TEXT NOT NULL, -- 'waiting', 'in force'; 'ended' after it was in force, 'discarded' before
    upheld     BIGINT, -- when the administrator has settled that it stands; NULL: not settled
    disputed   BIGINT -- by the citizen, since when; NULL: not disputed, or settled
);
CREATE INDEX records_sample ON records (source, sample);
CREATE UNIQUE INDEX records_live ON records (source, sample) WHERE state IN ('waiting', 'in force');
CREATE INDEX records_citizen ON records (citizen);
CREATE INDEX records_came ON records (source, came, kind, state);
CREATE INDEX records_disputed ON records (citizen) WHERE disputed IS NOT NULL;
CREATE INDEX records_waiting ON records (source) WHERE state = 'waiting';

-- The log of all records. Nothing changes or deletes an event.
CREATE TABLE events (
    id     {{serial}},
    record BIGINT NOT NULL REFERENCES records (id),
    what   TEXT NOT NULL,
    source BIGINT REFERENCES sources (id), -- who did it; NULL: the administrator or the citizen
    person TEXT NOT NULL,
    at     BIGINT NOT NULL,
    why    TEXT NOT NULL
);
CREATE INDEX events_record ON events (record);
CREATE INDEX events_ending ON events (source, at) WHERE what IN ('corrected', 'withdrawn');

-- Files that were loaded, and how far.
CREATE TABLE loads (
    file {{bytes}} PRIMARY KEY, -- SHA-256
    rows BIGINT NOT NULL
);

-- A certificate is known by the SHA-256 of its DER bytes.
CREATE TABLE doors (
    id         {{serial}},
    name       TEXT NOT NULL UNIQUE,
    place      BIGINT REFERENCES venues (id), -- whose door it is; NULL: of no venue that is known here
    venue      TEXT NOT NULL, -- kind
    zone       TEXT NOT NULL,
    way        TEXT NOT NULL, -- kiosk.Way
    entrance   TEXT NOT NULL DEFAULT '', -- of the venue, or the exit; empty: of a venue that names none
    ring       TEXT NOT NULL, -- rollout ring
    seen       BIGINT,    -- last authenticated request; NULL: never
    running    TEXT,      -- version, as the door last said
    device     TEXT,      -- the board that enrolled; NULL: not enrolled yet
    seal_key   {{bytes}}, -- its X25519 public key, to which its keys are sealed
    cert       {{bytes}}, -- the certificate in use
    cert_until BIGINT,
    old_cert   {{bytes}}, -- the one before it
    replaced   BIGINT,    -- when that one was replaced
    next_cert  {{bytes}}, -- handed out after it and not seen yet
    next_until BIGINT,
    revoked    BIGINT,    -- since when; NULL: not revoked
    copied     BIGINT,    -- since when two boards show this identity; NULL: one does
    strays     BIGINT NOT NULL DEFAULT 0, -- how often a wrong board or a replaced certificate was shown
    asked      BIGINT,    -- since when it asks to renew an expired certificate; NULL: it does not
    approved   BIGINT,    -- when the administrator approved that
    said_venue TEXT,      -- as what it decides, as the door last said; so the next three
    said_zone  TEXT,
    said_way   TEXT,
    config     TEXT,      -- hash of its effective configuration
    health     TEXT,      -- how its board is, as it last said: api.Health in JSON
    health_at  BIGINT,    -- when it said that
    troubles  TEXT NOT NULL DEFAULT '', -- of health: api.Health.Troubles, with spaces between them
    config_since BIGINT   -- when that changed last while the version stayed; NULL: never since its enrolment
);
CREATE INDEX doors_place ON doors (place);

-- Devices that another one has replaced under their door's name: they are revoked.
CREATE TABLE replacements (
    door   BIGINT NOT NULL REFERENCES doors (id),
    device TEXT NOT NULL,
    at     BIGINT NOT NULL,
    PRIMARY KEY (door, device)
);

-- The people in venues that have a capacity.
CREATE TABLE halls (
    venue   BIGINT PRIMARY KEY REFERENCES venues (id),
    inside  BIGINT NOT NULL, -- as reported; below 0: people have left who are not reported yet
    day     BIGINT NOT NULL, -- grows when the number begins anew
    emptied BIGINT NOT NULL, -- when it was last set to 0 because everybody goes home
    empties BIGINT           -- at which minute of the day that is; NULL: never
);

-- The places that doors may give away: api.PlacesRequest, as last accepted. A door has one row that
-- is not gone, at most.
CREATE TABLE shares (
    door     BIGINT NOT NULL REFERENCES doors (id),
    ledger   TEXT NOT NULL,
    venue    BIGINT NOT NULL REFERENCES halls (venue),
    gone     BIGINT, -- since when the door is revoked or another device; NULL: it is not
    before   TEXT NOT NULL, -- the ledger before it; empty: no other
    seq      BIGINT NOT NULL,
    went_in  BIGINT NOT NULL,
    went_out BIGINT NOT NULL,
    most     BIGINT NOT NULL, -- its limit
    heard    BIGINT NOT NULL,
    PRIMARY KEY (door, ledger)
);
CREATE INDEX shares_venue ON shares (venue);

-- Whom the doors of a venue have let in on a day, for its other doors: hashes under a key that only
-- they have (docs/adr/0017). After an hour they are gone.
CREATE TABLE visit_days (
    venue BIGINT NOT NULL,
    day   BIGINT NOT NULL, -- since 1970
    n     BIGINT NOT NULL, -- the last visit's number
    PRIMARY KEY (venue, day)
);

CREATE TABLE visits (
    venue BIGINT NOT NULL,
    day   BIGINT NOT NULL,
    n     BIGINT NOT NULL,
    door  BIGINT NOT NULL,
    hash  {{bytes}} NOT NULL,
    at    BIGINT NOT NULL,
    PRIMARY KEY (venue, day, n)
);

-- That key, sealed to each of the doors.
CREATE TABLE visit_keys (
    venue    BIGINT NOT NULL,
    day      BIGINT NOT NULL,
    door     BIGINT NOT NULL REFERENCES doors (id),
    seal_key {{bytes}} NOT NULL, -- of the door, then
    envelope {{bytes}} NOT NULL,
    PRIMARY KEY (venue, day, door)
);

-- What the staff of a venue have decided with their own phones, by hour: as counts.
CREATE TABLE checks (
    venue BIGINT NOT NULL REFERENCES venues (id),
    hour  BIGINT NOT NULL, -- its first second
    name  TEXT NOT NULL,
    n     BIGINT NOT NULL,
    PRIMARY KEY (venue, hour, name)
);
CREATE INDEX checks_hour ON checks (hour);

-- One-time codes of doors.
CREATE TABLE enrolments (
    hash    {{bytes}} PRIMARY KEY,
    door   BIGINT NOT NULL UNIQUE REFERENCES doors (id), -- a new code replaces the old one
    expires BIGINT NOT NULL,
    key     {{bytes}}, -- SHA-256 of the public key that used it; NULL: unused
    twice   BIGINT     -- when a second key tried it; NULL: never
);
CREATE INDEX enrolments_twice ON enrolments (door) WHERE twice IS NOT NULL;

-- Who is told when something is wrong with doors.
CREATE TABLE recipients (
    id       {{serial}},
    name     TEXT NOT NULL UNIQUE,
    region   TEXT REFERENCES regions (code), -- NULL: the whole country
    kinds    TEXT NOT NULL, -- alert.Kind, with spaces between them
    language TEXT NOT NULL,
    mail     TEXT NOT NULL, -- address; empty: by webhook
    hook     TEXT NOT NULL, -- URL; empty: by mail
    sent     BIGINT,        -- when the last message went out; NULL: none yet
    trouble  TEXT NOT NULL  -- why the last one did not; empty: it did
);

-- What is wrong, or is over and nobody has been told so yet.
CREATE TABLE alarms (
    kind  TEXT NOT NULL,   -- alert.Kind
    door  BIGINT NOT NULL, -- 0: the registry itself
    began BIGINT NOT NULL,
    ended BIGINT,          -- NULL: it lasts
    told  BIGINT,          -- when somebody was told last that it lasts; NULL: never yet
    PRIMARY KEY (kind, door)
);

-- Messages that wait to be sent. A row goes when its message has.
CREATE TABLE messages (
    id        {{serial}},
    recipient BIGINT NOT NULL REFERENCES recipients (id),
    made      BIGINT NOT NULL,
    due       BIGINT NOT NULL, -- the next try
    tries     INTEGER NOT NULL,
    body      TEXT NOT NULL    -- alert.Message in JSON
);
CREATE INDEX messages_due ON messages (due);
CREATE INDEX messages_recipient ON messages (recipient);

CREATE TABLE releases (
    ring    TEXT PRIMARY KEY,
    bundle  TEXT NOT NULL,
    version TEXT NOT NULL
);

CREATE TABLE counts (
    door BIGINT NOT NULL REFERENCES doors (id),
    hour  BIGINT NOT NULL, -- its first second
    name  TEXT NOT NULL,
    n     BIGINT NOT NULL,
    PRIMARY KEY (door, hour, name)
);
CREATE INDEX counts_hour ON counts (hour);

-- The sums of counts by the venue, the region and the kind that a door had when it reported; 0 and '':
-- it had none.
CREATE TABLE venue_counts (
    venue BIGINT NOT NULL,
    hour  BIGINT NOT NULL,
    name  TEXT NOT NULL,
    n     BIGINT NOT NULL,
    PRIMARY KEY (venue, hour, name)
);
CREATE INDEX venue_counts_hour ON venue_counts (hour);
CREATE TABLE region_counts (
    region TEXT NOT NULL,
    hour   BIGINT NOT NULL,
    name   TEXT NOT NULL,
    n      BIGINT NOT NULL,
    PRIMARY KEY (hour, region, name)
);
CREATE TABLE kind_counts (
    kind   TEXT NOT NULL,
    zone   TEXT NOT NULL,
    region TEXT NOT NULL,
    hour   BIGINT NOT NULL,
    name   TEXT NOT NULL,
    n      BIGINT NOT NULL,
    PRIMARY KEY (hour, kind, zone, region, name)
);

-- Reports that are counted already.
CREATE TABLE reports (
    door  BIGINT NOT NULL REFERENCES doors (id),
    id    TEXT NOT NULL,
    hour  BIGINT NOT NULL, -- in which it counts
    PRIMARY KEY (door, id)
);
CREATE INDEX reports_hour ON reports (hour, door);

-- Files of records that sources have uploaded. What they contain is in records; this is how far the
-- registry got.
CREATE TABLE imports (
    id      {{serial}},
    source  BIGINT NOT NULL REFERENCES sources (id),
    person  TEXT NOT NULL,
    state   TEXT NOT NULL,
    started BIGINT NOT NULL,
    alive   BIGINT NOT NULL, -- when it last got on
    size    BIGINT NOT NULL, -- bytes
    done    BIGINT NOT NULL, -- of them
    line    BIGINT NOT NULL, -- the last one that was decided on
    entered BIGINT NOT NULL,
    known   BIGINT NOT NULL,
    waits   BIGINT NOT NULL,
    refused BIGINT NOT NULL,
    reason  TEXT NOT NULL -- why it failed; may be empty
);
CREATE INDEX imports_source ON imports (source, id);

CREATE TABLE import_refusals (
    import BIGINT NOT NULL REFERENCES imports (id),
    line   BIGINT NOT NULL,
    field  TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (import, line)
);
