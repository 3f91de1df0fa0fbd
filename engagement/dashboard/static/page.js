// What Voila's scripts expect of the page around the widget.
window.voila_heartbeat = () => {};
window.display_cells = () => document.getElementById("loading")?.remove();
