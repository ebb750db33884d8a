// The server that the page came from, if it classifies images. A page that was opened from a disk has none.

/** @typedef {import("#web/core/session.js").Session} Session */

/** @param {Session} session */
export function use_server(session) {
  const address = document.querySelector('meta[name="convscope-server"]')?.getAttribute("content");
  if (!address) return;
  session.server = async (body) => {
    const headers = { "Content-Type": body.type || "application/octet-stream" };
    const response = await fetch(address, { method: "POST", body, headers });
    const answer = await response.json();
    if (!response.ok) throw new Error(answer.error);
    return answer.images[0];
  };
}
