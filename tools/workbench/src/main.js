// What every page needs: htmx, a keyboard short cut, and the player of streams.
import htmx from "htmx.org";

window.htmx = htmx;

// Ctrl+Enter (or Command+Enter) in a form asks its main button.
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    const form = event.target.closest("form");
    if (form) {
      event.preventDefault();
      form.requestSubmit();
    }
  }
});

// Steps of a stream are all there; playing shows them one after the other.
const reduced = window.matchMedia("(prefers-reduced-motion: reduce)");

function play(player) {
  const steps = [...player.querySelectorAll("[data-step]")];
  const shown = player.querySelector("[data-shown]");
  clearInterval(player.timer);
  shown.textContent = "";
  steps.forEach((step) => step.classList.add("later"));
  let next = 0;
  const advance = () => {
    if (next === steps.length) {
      clearInterval(player.timer);
      player.dataset.done = "yes";
      return;
    }
    const step = steps[next];
    step.classList.remove("later");
    shown.textContent += step.dataset.left;
    next += 1;
  };
  delete player.dataset.done;
  if (reduced.matches) {
    steps.forEach(advance);
    player.dataset.done = "yes";
  } else {
    player.timer = setInterval(advance, Math.max(20, Math.min(250, 6000 / steps.length)));
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-play]");
  if (button) {
    play(button.closest("[data-player]"));
  }
});

// A slider says its value, and asks for the picture anew while it moves.
document.addEventListener("input", (event) => {
  const output = event.target.dataset?.output && document.getElementById(event.target.dataset.output);
  if (output) {
    output.textContent = event.target.value;
  }
});

// Single keys press buttons, while the focus lies in what they belong to: nowhere else, so that dictated or typed letters do nothing.
document.addEventListener("keydown", (event) => {
  const area = event.target.closest("[data-keys]");
  if (!area || event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, textarea, select")) {
    return;
  }
  const button = area.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (button && !event.repeat) {
    event.preventDefault();
    button.click();
  }
});
