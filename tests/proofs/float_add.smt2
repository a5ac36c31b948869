; The sum of any two f32s, rounded once.
(define-fun assumed () Bool true)
(define-fun claimed () Bool
  (writes (|float_add_n sum| state)
          (fp.add RNE (number (|float_add_n a| state)) (number (|float_add_n b| state)))))
