"use strict";
// What storefronts do in a browser: open a session at the first view, send campaigns and postal codes to it, take prices by GraphQL.
// And what they should do: no page stays that was made for another segment than the session has now.
(() => {
  const root = document.documentElement;
  const impersonated = "vtex-impersonated-customer-email";
  const shown = [
    "profile.firstName", "profile.email", "profile.priceTables", "authentication.storeUserEmail", "authentication.adminUserEmail",
    "impersonate.storeUserEmail", "store.channel", "store.cultureInfo", "checkout.regionId", "rnb.campaigns", "search.facets",
    "public.postalCode", "public.utm_campaign", "public.utm_source", "public.utmi_cp",
  ];
  // Which item of the session a field of the segment comes from. What goes with the channel is left out.
  const sources = {
    channel: "store.channel", cultureInfo: "store.cultureInfo", priceTables: "profile.priceTables", regionId: "checkout.regionId",
    campaigns: "rnb.campaigns", facets: "search.facets", utm_campaign: "public.utm_campaign", utm_source: "public.utm_source",
    utmi_campaign: "public.utmi_cp",
  };

  const call = async (method, search, values) => {
    const query = new URLSearchParams(search);
    query.set("items", shown.join(","));
    const body = values && { public: Object.fromEntries(Object.entries(values).map(([key, value]) => [key, { value }])) };
    const answer = await fetch("/api/sessions?" + query, {
      method, credentials: "same-origin", headers: { "content-type": "application/json" },
      body: method === "GET" ? undefined : JSON.stringify(body || {}), keepalive: true, signal: AbortSignal.timeout(7000),
    });
    const session = answer.ok ? await answer.json() : null;
    const item = (name) => {
      const [namespace, key] = name.split(".");
      return String((session && session.namespaces[namespace]?.[key]?.value) ?? "");
    };
    return { ok: answer.ok, status: answer.status, item };
  };

  const problem = (form, text) => {
    const place = form.querySelector("[data-problem]");
    place.textContent = text;
    place.hidden = false;
  };

  // A log-in and a log-out show in the segment after the next call of the sessions API, not by themselves.
  if (location.hash.startsWith("#signed-")) {
    root.classList.add("checking");
    const values = location.hash === "#signed-out" ? { [impersonated]: "" } : {};
    call("POST", "", values).catch(() => {}).then(() => {
      history.replaceState(null, "", location.pathname + location.search);
      location.reload();
    });
    return;
  }

  const page = JSON.parse(document.getElementById("aisle-demo").textContent);
  const depends = root.dataset.depends === undefined ? Object.keys(sources) : root.dataset.depends.split(", ");

  const fits = (item) => depends.every((field) => !sources[field] || (page.segment[field] || "") === item(sources[field]));

  const right = () => {
    sessionStorage.removeItem("lume:renewed");
    return false;
  };

  // renewed reloads the page if it would be made for another segment now, and says whether it does. The page itself is asked for:
  // the edge may know fewer fields of the segment than the session has. A reload that brings the same page again is not repeated.
  const renewed = async () => {
    const answer = await fetch(location.href, { credentials: "same-origin", cache: "reload", signal: AbortSignal.timeout(7000) });
    const other = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("aisle-demo");
    const token = other ? JSON.parse(other.textContent).token : page.token;
    const tried = location.href + " " + token;
    if (token === page.token) return right();
    if (sessionStorage.getItem("lume:renewed") === tried) return false;
    sessionStorage.setItem("lume:renewed", tried);
    location.reload();
    return true;
  };

  const tell = (item) => {
    for (const place of document.querySelectorAll("[data-fill]")) place.textContent = item(place.dataset.fill) || "–";
    for (const input of document.querySelectorAll("[data-postal] input")) {
      if (document.activeElement !== input) input.value = item("public.postalCode");
    }
    const email = item("profile.email");
    const name = item("profile.firstName") || email;
    const customer = name === email ? email : `${name} (${email})`;
    const operator = item("authentication.adminUserEmail");
    const seen = item("impersonate.storeUserEmail");
    let text = "";
    if (seen) text = `${operator || item("authentication.storeUserEmail")} sees the shop as ${customer || seen}`;
    else if (operator) text = `Signed in as operator ${operator}`;
    else if (customer) text = `Signed in as ${customer}`;
    const bar = document.querySelector("[data-who]");
    bar.hidden = !text;
    bar.dataset.who = seen ? "impersonated" : operator ? "operator" : text ? "customer" : "";
    bar.querySelector("[data-who-text]").textContent = text;
    bar.querySelector("[data-stop]").hidden = !seen;
    document.querySelector("[data-account]").textContent = name || (operator ? "Operator" : "Account");
  };

  // What a link says of the shopper: other parameters, such as a search's words, are no part of the session.
  const said = () => {
    const query = new URLSearchParams();
    for (const [key, value] of new URLSearchParams(location.search)) {
      if (/^(utm_|utmi_|sc$|postalCode$|country$|region_id$|locale$|cultureInfo$)/.test(key)) query.append(key, value);
    }
    return query.toString();
  };

  // look asks for the session and has the page follow it. A page that is shown anew opens the session, unless this tab has, and
  // gives it what the link says: the edge makes the page for that too.
  let looks = 0;
  const look = async (anew) => {
    const mine = ++looks;
    root.dataset.session = "checking";
    const leaving = await ask(anew).catch(() => false);
    if (leaving || mine !== looks) return;
    root.classList.remove("checking");
    root.dataset.session = "ready";
  };
  const ask = async (anew) => {
    const link = anew ? said() : "";
    const opened = sessionStorage.getItem("lume:opened");
    let answer = link || !opened ? await call("POST", link) : await call("GET", "");
    if (answer.ok) sessionStorage.setItem("lume:opened", "yes");
    // The link may be of a channel that is not for everyone, and the shop's own sessions system opens none by a GET.
    else if (answer.status < 500) answer = await call(answer.status === 404 ? "POST" : "GET", "");
    if (!answer.ok) return false;
    tell(answer.item);
    return fits(answer.item) ? right() : await renewed();
  };

  // A page out of the browser's history is as it was before the log-in, or whatever came since: neither the network nor, out of
  // the back/forward cache, this script's beginning was asked.
  const [navigation] = performance.getEntriesByType("navigation");
  if (navigation?.type === "back_forward") root.classList.add("checking");
  addEventListener("pageshow", (e) => {
    if (!e.persisted) return;
    root.classList.add("checking");
    look(true);
  });
  // Another tab may have logged in or out.
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && look(false));
  const opening = look(true);

  // A cart is a session's: what is bought before there is one would be lost.
  document.querySelector(".buy form")?.addEventListener("submit", (e) => {
    if (sessionStorage.getItem("lume:opened")) return;
    e.preventDefault();
    opening.then(() => e.target.submit());
  });

  // change writes public values and shows the page anew; values that are refused, or do not come true, are told at the form.
  const change = async (form, values, wrong) => {
    const answer = await call("PATCH", "", values).catch(() => null);
    const text = wrong(answer);
    if (text) {
      problem(form, text);
      return;
    }
    // A link's own campaign, place or channel would win over what was chosen.
    const query = new URLSearchParams(location.search);
    for (const [key] of new URLSearchParams(said())) query.delete(key);
    const path = location.pathname + (query.size ? "?" + query : "");
    if (path === location.pathname + location.search) location.reload();
    else location.replace(path);
  };
  const failed = (answer) => (answer?.ok ? "" : "The sessions system does not answer as it should. Please try again.");

  const submitted = (selector, handler) => {
    for (const form of document.querySelectorAll(selector)) {
      form.addEventListener("submit", (e) => {
        e.preventDefault();
        handler(form, new FormData(form, e.submitter));
      });
    }
  };

  submitted("[data-postal]", (form, data) => {
    const postalCode = data.get("postalCode").trim();
    const digits = postalCode.replace(/\D/g, "").length;
    const country = digits === 5 ? "USA" : "BRA";
    if (digits !== 5 && digits !== 8) return problem(form, "Eight digits in Brazil, five in the United States.");
    return change(form, { postalCode, country }, failed);
  });

  submitted("[data-impersonate]", (form, data) => {
    const email = data.get("email").trim();
    return change(form, { [impersonated]: email }, (answer) => failed(answer) ||
      (answer.item("impersonate.storeUserEmail").toLowerCase() === email.toLowerCase() ? "" : "You may not, or nobody has that email."));
  });

  submitted("[data-channel]", (form, data) => change(form, { sc: data.get("sc") }, (answer) => {
    if (answer && (answer.status === 401 || answer.status === 403)) return "This channel is not open to you.";
    return failed(answer);
  }));

  submitted("[data-forget]", (form) => change(form, {
    postalCode: "", country: "", geoCoordinates: "", region_id: "", utm_campaign: "", utm_source: "", utm_medium: "", utmi_cp: "",
  }, () => ""));

  for (const button of document.querySelectorAll("[data-stop]")) {
    button.addEventListener("click", () => change(button, { [impersonated]: "" }, () => ""));
  }

  const buy = document.querySelector(".buy [data-live-price]");
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
