// Filters the table: a row shows when it has every word and each chosen value. Without this script all rows show.
"use strict";
const form = document.querySelector("form.filters");
const rows = [...document.querySelectorAll("tr.image")];
const count = document.getElementById("count");
const none = document.getElementById("none");
const chosen = ["device", "platform", "state"].map((name) => document.getElementById(name));

function matches(row, words) {
  const text = row.dataset.words.toLowerCase();
  return chosen.every((field) => !field.value || row.dataset[field.id] === field.value)
    && words.every((word) => text.includes(word));
}

function filter() {
  const words = document.getElementById("words").value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const row of rows) row.hidden = !matches(row, words);
  for (const body of document.querySelectorAll("tbody")) body.hidden = !body.querySelector("tr.image:not([hidden])");
  const shown = rows.filter((row) => !row.hidden).length;
  count.textContent = shown === rows.length ? `${shown} images` : `${shown} of ${rows.length} images`;
  none.hidden = shown > 0;
}

form.hidden = false;
form.addEventListener("input", filter);
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("reset", () => setTimeout(filter));
document.getElementById("again").addEventListener("click", () => {
  form.reset();
  document.getElementById("words").focus();
});
filter();
