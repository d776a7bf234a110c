// What the phone keeps, in IndexedDB. Records:
//
//   "people"     [{id, name, keys: CryptoKeyPair, credential: Uint8Array, expires: ms, known: ms}], those who have
//                a pass on this phone; name is what somebody typed here, known the newest other phone that is no news
//   "current"    id of the one that is shown
//   "pending"    CryptoKeyPair, made for a pass whose answer has not arrived
//   "status-ID"  {answer: SelfAnswer, fetched: ms}, the last one known
//
// The private key is a CryptoKey that cannot be extracted: the browser keeps it, no script ever
// sees its bytes.

let opened;

function database() {
  opened ??= new Promise((resolve, reject) => {
    const opening = indexedDB.open("ashyq", 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore("records");
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = () => reject(opening.error);
  });
  return opened;
}

export async function get(name) {
  const db = await database();
  return new Promise((resolve, reject) => {
    const asking = db.transaction("records").objectStore("records").get(name);
    asking.onsuccess = () => resolve(asking.result);
    asking.onerror = () => reject(asking.error);
  });
}

// put writes all records or none and returns when they are on the disk; undefined removes one.
export const put = (records) => write((store, puts) => puts(records));

// update is put for what change(value) makes of a record. No other tab gets in between: each has its own
// idea of what is stored. It gives what was put.
export const update = (name, change) => write((store, puts) => {
  const asking = store.get(name);
  asking.onsuccess = () => puts(change(asking.result));
});

async function write(work) {
  const db = await database();
  return new Promise((resolve, reject) => {
    let written;
    const transaction = db.transaction("records", "readwrite", { durability: "strict" });
    const store = transaction.objectStore("records");
    transaction.oncomplete = () => resolve(written);
    transaction.onerror = () => reject(transaction.error);
    transaction.onabort = () => reject(transaction.error);
    work(store, (records) => {
      written = records;
      for (const [name, value] of Object.entries(records)) {
        if (value === undefined) store.delete(name);
        else store.put(value, name);
      }
    });
  });
}
