// Times and numbers as this viewer writes them. Without it the page says UTC and writes 12,400.5.

const moment = new Intl.DateTimeFormat(undefined, { dateStyle: "long", timeStyle: "short" });
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

function adapt(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    if (time.dateTime.length < 11 || Number.isNaN(at.getTime())) continue; // a day is a day everywhere
    time.textContent = moment.format(at);
  }
  for (const number of root.querySelectorAll("data.n")) {
    const decimals = Number(number.dataset.decimals);
    const format = new Intl.NumberFormat(undefined, { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
    number.textContent = format.format(Number(number.value)).replace("-", "\u2212");
  }
}

adapt(document);
document.addEventListener("htmx:load", (event) => adapt(event.detail.elt));
const told = document.getElementById("zone");
if (told && zone) told.textContent = `Times are in your time zone (${zone})`;
