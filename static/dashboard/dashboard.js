// Small comforts. Every page works without them.
"use strict";

function announce(text) {
  document.getElementById("announcer").textContent = text;
}

// In a table the button stands in a cell of its own, and the cell before shows a part of the value only.
function select(button) {
  const shown = button.previousElementSibling ?? button.closest("tr").querySelector("code");
  shown.textContent = button.dataset.copy;
  window.getSelection().selectAllChildren(shown);
}

// Plain http on a name other than localhost has no clipboard API: there the value is selected for the keyboard.
async function copy(button) {
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
  } catch {
    select(button);
    announce("Selected: copy it with the keyboard.");
    return;
  }
  const label = button.firstChild;
  label.textContent = "Copied";
  announce("Copied");
  setTimeout(() => { label.textContent = "Copy"; }, 2000);
}

for (const button of document.querySelectorAll("button[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", () => copy(button));
}

// On a phone the tabs are wider than the screen: the open one shall be seen.
document.querySelector(".tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });

// A second click must not make a second key.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  event.submitter?.setAttribute("aria-disabled", "true");
});

// Coming back by the back button finds the page as it was left.
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    form.querySelector("[aria-disabled]")?.removeAttribute("aria-disabled");
  }
});

const units = [[86400, "day"], [3600, "hour"], [60, "minute"], [1, "second"]];

function inWords(seconds) {
  const [size, name] = units.find(([size]) => seconds > 0 && seconds % size === 0) ?? units.at(-1);
  const count = seconds / size;
  return `${count} ${name}${count === 1 ? "" : "s"}`;
}

for (const input of document.querySelectorAll("input[data-unit=seconds]")) {
  const output = document.querySelector(`output[for="${input.id}"]`);
  input.addEventListener("input", () => {
    output.textContent = /^\d+$/.test(input.value) ? `= ${inWords(Number(input.value))}` : "";
  });
}
