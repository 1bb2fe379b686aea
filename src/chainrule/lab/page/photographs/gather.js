// Files and folders as the browser gives them, each with the folders that it lies in.

/** @typedef {{name: string, file: File}} Given */

/** What was dropped; folders are walked. @param {DataTransfer} transfer @returns {Promise<Given[]>} */
export async function dropped(transfer) {
  // entries must be asked for at once: the list is empty after the first wait
  const items = [...transfer.items].filter((item) => item.kind === "file");
  const entries = items.map((item) => item.webkitGetAsEntry?.() ?? null);
  const loose = items.map((item) => item.getAsFile());
  const found = await Promise.all(
    entries.map((entry, k) => {
      const file = loose[k];
      return entry ? walked(entry, "") : file ? [{ name: file.name, file }] : [];
    }),
  );
  return found.flat();
}

/** What was chosen in a dialog. @param {FileList} files @returns {Given[]} */
export const chosen = (files) => [...files].map((file) => ({ name: file.webkitRelativePath || file.name, file }));

/** @param {FileSystemEntry} entry @param {string} above @returns {Promise<Given[]>} */
async function walked(entry, above) {
  const name = above + entry.name;
  if (entry.isFile) {
    const one = /** @type {FileSystemFileEntry} */ (entry);
    /** @type {File} */
    const file = await new Promise((done, fail) => one.file(done, fail));
    return [{ name, file }];
  }
  const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
  const found = [];
  for (;;) {
    /** @type {FileSystemEntry[]} */
    const some = await new Promise((done, fail) => reader.readEntries(done, fail)); // a hundred at most
    if (!some.length) return found;
    for (const inner of some) found.push(...(await walked(inner, `${name}/`)));
  }
}
