-- Doors that have certificates of their own. A certificate is known by the SHA-256 of its DER bytes.
ALTER TABLE kiosks ADD COLUMN zone TEXT NOT NULL DEFAULT 'green';
ALTER TABLE kiosks ADD COLUMN ring TEXT NOT NULL DEFAULT 'all';
ALTER TABLE kiosks ADD COLUMN device TEXT;            -- the board that enrolled; NULL: none has
ALTER TABLE kiosks ADD COLUMN cert {{bytes}};         -- the certificate in use
ALTER TABLE kiosks ADD COLUMN cert_until BIGINT;
ALTER TABLE kiosks ADD COLUMN next_cert {{bytes}};    -- the one that was given out after it and has not been seen yet
ALTER TABLE kiosks ADD COLUMN next_until BIGINT;
ALTER TABLE kiosks ADD COLUMN revoked BIGINT;         -- since when; NULL: good
ALTER TABLE kiosks ADD COLUMN copied BIGINT;          -- since when two boards show this identity; NULL: one does
ALTER TABLE kiosks ADD COLUMN running TEXT;           -- version, as last said

-- One-time codes of doors. token of a door that came by one is random and nobody's.
CREATE TABLE enrolments (
    hash    {{bytes}} PRIMARY KEY,
    kiosk   BIGINT NOT NULL UNIQUE REFERENCES kiosks (id), -- a new code replaces the old one
    expires BIGINT NOT NULL,
    key     {{bytes}}, -- SHA-256 of the public key that used it; NULL: unused
    twice   BIGINT     -- when another key tried it, too; NULL: none did
);

CREATE TABLE releases (
    ring    TEXT PRIMARY KEY,
    bundle  TEXT NOT NULL,
    version TEXT NOT NULL
);
