// Reads a chosen file into the text field of its form, whatever encoding a spreadsheet saved it in. Without this script the text is
// pasted.

function textOf(bytes) {
  const start = new Uint8Array(bytes, 0, Math.min(2, bytes.byteLength));
  const mark = start.length === 2 ? start[0] * 256 + start[1] : 0;
  const encodings = { 0xfffe: "utf-16le", 0xfeff: "utf-16be" };
  return new TextDecoder(encodings[mark] || "utf-8").decode(bytes);
}

document.querySelectorAll("input[type=file][data-into]").forEach((input) => {
  input.closest("label").hidden = false;
  input.addEventListener("change", async () => {
    if (input.files.length > 0) {
      input.form.elements[input.dataset.into].value = textOf(await input.files[0].arrayBuffer());
    }
  });
});
