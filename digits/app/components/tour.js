// Three steps for those who come for the first time. The browser keeps that it has shown them, as soon as it does, so
// that they never come back, whatever was clicked. Within the visit they stay until the last one.

const SEEN = "digits tour seen"
const STEP = "digits tour step"

export default function (component) {
  const { parentElement, data } = component
  const find = (selector) => parentElement.querySelector(selector)
  const tour = find(".tour")

  function show(step) {
    sessionStorage.setItem(STEP, step)
    tour.dataset.step = step
    tour.hidden = step >= data.steps.length
    if (tour.hidden) return
    find(".step").textContent = data.steps[step]
    find(".count").textContent = `${step + 1}/${data.steps.length}`
    find("[data-do=skip]").textContent = data.skip
    find("[data-do=skip]").hidden = step === data.steps.length - 1
    find("[data-do=next]").textContent = step === data.steps.length - 1 ? data.done : data.next
  }

  // The step of this visit; none if an earlier visit has had its tour.
  function current() {
    const step = sessionStorage.getItem(STEP)
    if (step !== null) return Number(step)
    const first = localStorage.getItem(SEEN) === null
    localStorage.setItem(SEEN, "yes")
    return first ? 0 : data.steps.length
  }

  find("[data-do=next]").onclick = () => show(current() + 1)
  find("[data-do=skip]").onclick = () => show(data.steps.length)
  show(current())
}
