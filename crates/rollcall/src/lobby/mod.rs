//! The lobby screens: the board, its websocket, its page.
