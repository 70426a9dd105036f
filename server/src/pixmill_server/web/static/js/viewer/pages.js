// The state of each image's page, as the server writes it into the page; neighbours are fetched before they are wanted.

import { fetchPage } from "../fetched.js";

export function stateOf(page) {
  const element = page.querySelector("#viewer-state");
  return element ? JSON.parse(element.textContent) : null;
}

export class Pages {
  constructor() {
    this.known = new Map();
  }

  // Null where there is no such page any more, or where one has to sign in again.
  get(href) {
    if (!this.known.has(href)) this.known.set(href, fetchState(href));
    return this.known.get(href);
  }

  // Read it anew, whatever is known of it.
  fresh(href) {
    this.known.delete(href);
    return this.get(href);
  }

  // After a change everything may be different.
  forget() {
    this.known.clear();
  }

  // Have the neighbours' pages and images here before they are asked for.
  async prefetch(hrefs) {
    for (const href of this.known.keys()) if (!hrefs.includes(href)) this.known.delete(href);
    for (const href of hrefs) {
      const state = await this.get(href);
      if (state) new Image().src = state.asset.image;
    }
  }
}

async function fetchState(href) {
  const answer = await fetchPage(href);
  return answer?.isRight ? stateOf(answer.page) : null;
}
