// Building from the page's templates, and changing only what differs.

export function build(template) {
  const root = document.getElementById(template).content.firstElementChild.cloneNode(true);
  const fields = {};
  for (const node of root.querySelectorAll("[data-field]")) {
    fields[node.dataset.field] = node;
  }
  return { root, fields };
}

export function setText(node, value) {
  const text = value ?? "";
  if (node.textContent !== text) {
    node.textContent = text;
  }
}

export function setState(node, value) {
  if (node.dataset.state !== value) {
    node.dataset.state = value;
  }
}

export function setHidden(node, hidden) {
  if (node.hidden !== hidden) {
    node.hidden = hidden;
  }
}

// Puts `nodes` into `parent` in this order; what is there already in its place is not touched.
export function place(parent, nodes) {
  nodes.forEach((node, index) => {
    const there = parent.children[index];
    if (there !== node) {
      parent.insertBefore(node, there ?? null);
    }
  });
  while (parent.children.length > nodes.length) {
    parent.lastElementChild.remove();
  }
}

export const byId = (id) => document.getElementById(id);

export function element(tag, text, className) {
  const node = document.createElement(tag);
  if (text !== undefined) {
    node.textContent = text;
  }
  if (className) {
    node.className = className;
  }
  return node;
}
