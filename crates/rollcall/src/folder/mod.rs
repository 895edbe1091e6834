//! Reading a site folder: a bureau as plain files.
