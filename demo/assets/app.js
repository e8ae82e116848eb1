"use strict";
// What storefronts do in a browser: open a session at the first view, send a postal code, take prices by GraphQL.
(() => {
  const ask = (method, path, body) =>
    fetch(path, { method, credentials: "same-origin", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });

  // A log-in shows in the segment after the next call of the sessions API, not by itself.
  if (location.hash.startsWith("#signed-")) {
    ask("POST", "/api/sessions?items=", {}).then(() => {
      history.replaceState(null, "", location.pathname + location.search);
      location.reload();
    });
    return;
  }

  const key = "lume:" + location.search;
  if (!sessionStorage.getItem(key)) {
    const search = location.search ? location.search + "&" : "?";
    ask("POST", "/api/sessions" + search + "items=store.channel,checkout.regionId,public.utm_campaign", {})
      .then((r) => r.ok && sessionStorage.setItem(key, "1"))
      .catch(() => {});
  }

  for (const form of document.querySelectorAll("[data-postal]")) {
    form.addEventListener("submit", (e) => {
      e.preventDefault();
      const postalCode = new FormData(form).get("postalCode");
      ask("PATCH", "/api/sessions", { public: { postalCode: { value: postalCode } } }).then(() => location.reload());
    });
  }

  const buy = document.querySelector("[data-product] [data-live-price]");
  if (buy) {
    const id = Number(buy.closest("[data-product]").dataset.product);
    const query = new URLSearchParams({
      operationName: "ProductPrices",
      variables: JSON.stringify({ ids: [id] }),
      extensions: JSON.stringify({ persistedQuery: { version: 1, sha256Hash: "@PRICES_HASH@" } }),
    });
    fetch("/_v/segment/graphql/v1?" + query, { credentials: "same-origin" })
      .then((r) => r.json())
      .then((answer) => {
        const live = answer.data && answer.data.prices[0];
        if (live && live.formatted !== buy.textContent) buy.textContent = live.formatted;
      })
      .catch(() => {});
  }
})();
