// The selection and the place of a review stand in the address, so a post that was opened leads
// back to both. Without scripts the address still holds list and seed.

const table = document.querySelector("table[data-rows]");
const chosen = () => [...table.querySelectorAll("tbody .pick input:checked")].map((box) => box.value);

function keep() {
  const here = new URL(location);
  const picked = chosen();
  if (picked.length) here.searchParams.set("pick", picked.join("."));
  else here.searchParams.delete("pick");
  history.replaceState(history.state, "", here);
  for (const link of table.querySelectorAll("[data-record]")) {
    const to = new URL(link.href);
    to.searchParams.set("from", `${here.pathname}${here.search}#${link.closest("tr").id}`);
    link.href = to;
  }
}

// Ranges and `all of the page` are chosen by page.js, which listens on the document before us.
document.addEventListener("click", (event) => { if (event.target.closest(".pick")) keep(); });
document.addEventListener("change", (event) => { if (event.target.closest(".pick")) keep(); });

// Where one came from; the browser looks for the row of the address itself, and takes the focus.
addEventListener("load", () => {
  const row = document.getElementById(location.hash.slice(1));
  if (!row?.closest("tbody")) return;
  row.dataset.at = "";
  row.querySelector("a[href]")?.focus({ preventScroll: true });
});
