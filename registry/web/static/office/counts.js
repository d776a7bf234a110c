// The counts of a door's last day.

// summary adds up counts by signal and colour, as "admitted/green".
export function summary(counts) {
  const out = { all: 0, admitted: 0, turnedBack: 0, other: 0 };
  for (const [name, n] of Object.entries(counts ?? {})) {
    const signal = name.split("/")[0];
    const kind = signal.startsWith("admitted") ? "admitted" : signal === "turned-back" ? "turnedBack" : "other";
    out[kind] += n;
    out.all += n;
  }
  return out;
}
