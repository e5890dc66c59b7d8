"use strict";
const narrow = () => {
  const byId = (id) => document.getElementById(id);
  const body = byId("rows_"), form = byId("find_"), count = byId("count_"), more = byId("more_");
  const order = byId("order_");
  const heads = Array.from(body.parentElement.tHead.rows[0].cells);
  const [TIME, ENVIRONMENT, NUMBER, OUTCOME, APPROVED, RELEASED] = [0, 1, 3, 4, 6, 9];
  const STEP = 100;
  const all = Array.from(body.rows, (row, place) => {
    const cells = Array.from(row.cells, (cell) => cell.textContent);
    return { row, cells, place, text: cells.join("\n").toLowerCase() };
  });
  let ordered = all, found = all, shown = STEP, sorted = { column: TIME, up: false };

  const show = () => {
    body.replaceChildren(...found.slice(0, shown).map((one) => one.row));
    const rest = found.length - shown;
    more.hidden = rest <= 0;
    const number = (size) => size.toLocaleString("en");
    const some = found.length < all.length ? `${number(found.length)} of ` : "";
    count.textContent = `${some}${number(all.length)} attempts` +
      (rest > 0 ? `; the first ${number(shown)} are shown` : "");
  };

  const find = () => {
    const words = byId("words_").value.toLowerCase().split(/\s+/).filter(Boolean);
    const environment = byId("environment_").value, outcome = byId("outcome_").value;
    const from = byId("from_").value, to = byId("to_").value, released = byId("released_").checked;
    const unapproved = byId("unapproved_").checked;
    found = ordered.filter(({ cells, text }) =>
      words.every((word) => text.includes(word)) &&
      (!environment || cells[ENVIRONMENT] === environment) &&
      (!outcome || cells[OUTCOME] === outcome) &&
      (!from || cells[TIME].slice(0, 10) >= from) &&
      (!to || cells[TIME].slice(0, 10) <= to) &&
      (!released || cells[RELEASED] !== "") &&
      (!unapproved || cells[APPROVED] === "none"));
    shown = STEP;
    show();
  };

  const sort = (column) => {
    sorted = { column, up: sorted.column === column ? !sorted.up : true };
    const sign = sorted.up ? 1 : -1;
    const key = ({ cells }) => column === NUMBER ? Number(cells[column]) : cells[column];
    ordered = all.map((one) => ({ one, key: key(one) }))
      .sort((a, b) => (a.key < b.key ? -sign : a.key > b.key ? sign : a.one.place - b.one.place))
      .map(({ one }) => one);
    order.textContent = column === TIME ? (sorted.up ? ", oldest first" : ", newest first")
      : `, by ${heads[column].textContent.toLowerCase()}${sorted.up ? "" : ", backwards"}`;
    mark();
    find();
  };

  const mark = () => heads.forEach((head, column) => {
    if (column === sorted.column) {
      head.setAttribute("aria-sort", sorted.up ? "ascending" : "descending");
    } else {
      head.removeAttribute("aria-sort");
    }
  });

  const follow = () => {
    const anchor = decodeURIComponent(location.hash.slice(1));
    const one = anchor && all.find(({ row }) => row.id === anchor);
    if (!one) return;
    if (!found.includes(one)) {
      form.reset();
      setTimeout(follow); // once that is done
      return;
    }
    shown = Math.max(shown, found.indexOf(one) + 1);
    show();
    all.forEach(({ row }) => row.classList.toggle("here", row === one.row));
    one.row.scrollIntoView({ block: "center" });
  };

  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sort(column));
    head.append(button);
  });
  form.addEventListener("input", find);
  form.addEventListener("reset", () => setTimeout(find));
  form.addEventListener("submit", (event) => event.preventDefault());
  const [some, rest] = more.querySelectorAll("button");
  some.addEventListener("click", () => { shown += STEP; show(); });
  rest.addEventListener("click", () => { shown = Infinity; show(); });
  let before = shown;
  addEventListener("beforeprint", () => { before = shown; shown = Infinity; show(); });
  addEventListener("afterprint", () => { shown = before; show(); });
  addEventListener("hashchange", follow);
  form.hidden = false;
  mark();
  show();
  follow();
};
const page = document.documentElement.classList;
page.add("early");
addEventListener("DOMContentLoaded", () => {
  try { narrow(); } finally { page.remove("early"); }
});
