; An f16 as an f32, subnormals included.
(define-fun bits () (_ BitVec 16) ((_ extract 15 0) (|float_from_n bits| state)))
(define-fun assumed () Bool (= (|float_from_n code| state) #b010))
(define-fun claimed () Bool
  (writes (|float_from_n value| state) ((_ to_fp 8 24) RNE ((_ to_fp 5 11) bits))))
