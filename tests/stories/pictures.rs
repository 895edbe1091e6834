//! The screen in every size and language, kept as pictures and searched for cut-off text.
