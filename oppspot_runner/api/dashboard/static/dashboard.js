// Live parts of pages, dialogs, keyboard.
