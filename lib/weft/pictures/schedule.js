// Gives every schedule on the page that has none yet a slider; arrow keys move it. Without scripts all rows are shown.
for (const figure of document.querySelectorAll(".weft-schedule:not([data-live])")) {
  figure.dataset.live = "";
  const rows = [...figure.querySelectorAll("tbody tr")];
  if (!rows.length) continue;
  const steer = document.createElement("div");
  steer.className = "steer";
  const make = (tag, options) => steer.appendChild(Object.assign(document.createElement(tag), options));
  const back = make("button", { type: "button", textContent: "◀", title: "one step back" });
  const slider = make("input", { type: "range", min: 1, max: rows.length, value: rows.length });
  const on = make("button", { type: "button", textContent: "▶", title: "one step on" });
  const said = make("output", {});
  slider.setAttribute("aria-label", "Step of the schedule");
  const show = () => {
    const step = Number(slider.value);
    rows.forEach((row, index) => {
      row.classList.toggle("later", index >= step);
      row.classList.toggle("now", index === step - 1);
    });
    const text = rows[step - 1].dataset.say;
    slider.setAttribute("aria-valuetext", text);
    said.textContent = `${step} of ${rows.length}: ${text}`;
  };
  const move = (by) => { slider.value = Number(slider.value) + by; show(); };
  slider.addEventListener("input", show);
  // JupyterLab takes arrow keys for itself, as commands on cells.
  slider.addEventListener("keydown", (event) => event.stopPropagation());
  back.addEventListener("click", () => move(-1));
  on.addEventListener("click", () => move(1));
  figure.querySelector("figcaption").after(steer);
  show();
}
