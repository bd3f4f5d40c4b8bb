// Puts a button beside every command that can be copied; without this the command can still be selected.

function offer(root) {
  if (!navigator.clipboard) return; // only over https or on this machine
  for (const code of root.querySelectorAll("code.copy:not([data-offered])")) addButton(code);
}

function addButton(code) {
  code.dataset.offered = "yes";
  const button = document.createElement("button");
  const told = document.createElement("span");
  button.type = "button";
  button.textContent = "Copy";
  told.setAttribute("role", "status");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(code.textContent);
      told.textContent = "Copied";
    } catch {
      told.textContent = "The browser did not allow it; select the command and copy it";
    }
  });
  code.after(" ", button, " ", told);
}

offer(document);
document.addEventListener("htmx:load", (event) => offer(event.detail.elt));
