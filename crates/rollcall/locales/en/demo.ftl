# What the demo prints once it is up.
demo-greeting =
    A day at an invented bureau (nobody here is real; time runs { $speed } times as fast, from 8:18 in the morning)
      Lobby screen  { $screen }
      Admin pages   { $admin }
      Ctrl-C ends it; everything is thrown away then.
