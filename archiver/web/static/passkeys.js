// Passkeys: a form with options is sent with what the authenticator answers to them.

const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");

const WHY = {
  NotAllowedError: "No passkey was used: cancelled, or too late. Try again.",
  InvalidStateError: "This device holds a passkey of yours for this archive already.",
  SecurityError: "Passkeys do not work at this address. Open the archive at its public name.",
};

const known = (list) => list.map((each) => ({ ...each, id: bytes(each.id) }));

function asked(form) {
  const options = JSON.parse(form.dataset.options);
  options.challenge = bytes(options.challenge);
  if (options.user) options.user.id = bytes(options.user.id);
  if (options.excludeCredentials) options.excludeCredentials = known(options.excludeCredentials);
  if (options.allowCredentials) options.allowCredentials = known(options.allowCredentials);
  return { publicKey: options };
}

function answer({ id, rawId, type, response }) {
  const parts = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"];
  const said = parts.filter((part) => response[part]).map((part) => [part, text(response[part])]);
  return JSON.stringify({ id, rawId: text(rawId), type, response: Object.fromEntries(said) });
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  const problem = form.querySelector("[data-passkey-error]");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    problem.textContent = "";
    try {
      const credential = await navigator.credentials[form.dataset.passkey](asked(form));
      form.elements.credential.value = answer(credential);
      form.submit();
    } catch (error) {
      problem.textContent = WHY[error.name] ?? "This browser cannot use a passkey here. Choose another way.";
    }
  });
}
