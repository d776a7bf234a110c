// What the phone keeps, in IndexedDB. Records:
//
//   "people"     [{id, name, phone: CryptoKeyPair, known: ms}], those who have a pass on this phone; name is what
//                somebody typed here, known the newest other phone that is no news
//   "current"    id of the one that is shown
//   "pending"    CryptoKeyPair, made for a pass whose answer has not arrived
//   "status-ID"  {answer: SelfAnswer, fetched: ms}, the last one known
//
// Days, by [id, day]: {keys: CryptoKeyPair, credential: Uint8Array}.
//
// A private key is a CryptoKey that cannot be extracted: the browser keeps it, no script ever sees its bytes.

let opened;

function database() {
  opened ??= new Promise((resolve, reject) => {
    const opening = indexedDB.open("ashyq", 1);
    opening.onupgradeneeded = () => {
      opening.result.createObjectStore("records");
      opening.result.createObjectStore("days");
    };
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = () => reject(opening.error);
  });
  return opened;
}

async function read(name, ask) {
  const db = await database();
  return new Promise((resolve, reject) => {
    const asking = ask(db.transaction(name).objectStore(name));
    asking.onsuccess = () => resolve(asking.result);
    asking.onerror = () => reject(asking.error);
  });
}

export const get = (name) => read("records", (records) => records.get(name));

const ofPerson = (id, before = Infinity) => IDBKeyRange.bound([id], [id, before], false, true);

// daysOf are the numbers of the days that a pass has a credential for, ascending.
export const daysOf = async (id) => (await read("days", (days) => days.getAllKeys(ofPerson(id)))).map(([, day]) => day);

export const getDay = (id, day) => read("days", (days) => days.get([id, day]));

// change runs work(records, days, done) in one transaction and returns what it gave to done, when all is on the
// disk: everything that it wrote, or nothing. It waits for another tab's.
async function change(work) {
  const db = await database();
  return new Promise((resolve, reject) => {
    const all = db.transaction(["records", "days"], "readwrite", { durability: "strict" });
    let result;
    all.oncomplete = () => resolve(result);
    all.onabort = () => reject(all.error ?? new DOMException("the transaction was aborted", "AbortError"));
    work(all.objectStore("records"), all.objectStore("days"), (value) => (result = value));
  });
}

function write(store, records) {
  for (const [name, value] of Object.entries(records)) {
    if (value === undefined) store.delete(name);
    else store.put(value, name);
  }
}

// put writes all records or none; undefined removes one.
export const put = (values) => change((records) => write(records, values));

// changePeople writes what next(people) gives, with other records, and returns it. Who is not in it any more loses
// the days, too.
export const changePeople = (next, others = {}) => change((records, days, done) => {
  const asking = records.get("people");
  asking.onsuccess = () => {
    const old = asking.result ?? [];
    const people = next(old);
    for (const { id } of old.filter((was) => !people.some((is) => is.id === was.id))) {
      days.delete(ofPerson(id));
      records.delete(`status-${id}`);
    }
    write(records, { people, ...others });
    done(people);
  };
});

// putDays adds days, a map of {keys, credential}, and removes those before the given one. Of somebody whose pass
// was removed in another tab it keeps nothing.
export const putDays = (id, added, before) => change((records, days) => {
  const asking = records.get("people");
  asking.onsuccess = () => {
    if (!asking.result?.some((person) => person.id === id)) return;
    for (const [day, pair] of added) days.put(pair, [id, day]);
    days.delete(ofPerson(id, before));
  };
});
