//! `rollcall judge DIR`: a site folder judged with no database.
