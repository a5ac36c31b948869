; An f32 stays as it is.
(define-fun assumed () Bool
  (and (= (|float_to_n code| state) #b100) (is_canonical (|float_to_n value| state))))
(define-fun claimed () Bool (= (|float_to_n bits| state) (|float_to_n value| state)))
