// Tells the browser, and so screen readers, the page's language and the direction in which it is read.

export default function ({ data }) {
  Object.assign(document.documentElement, { lang: data.language, dir: data.direction })
}
