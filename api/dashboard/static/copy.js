// Puts a button beside every command that can be copied; without this the command can still be selected.

for (const code of document.querySelectorAll("code.copy")) {
  if (!navigator.clipboard) break; // only over https or on this machine
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
